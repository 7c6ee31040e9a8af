//! Prompts made by code, so that no corpus needs a licence and every machine measures the same text.

/// A small generator (Marsaglia's xorshift); the seed is the benchmark's.
pub struct Random(u64);

impl Random {
    /// Starts from `seed`, of which 0 is taken for 1.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `bound`, small ones more often: words of a language are used so.
    fn skewed(&mut self, bound: usize) -> usize {
        let (a, b) = (self.below(bound), self.below(bound));
        a.min(b)
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 33) % u64::try_from(bound).unwrap_or(1)).unwrap_or(0)
    }
}

/// What a prompt is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// English prose.
    English,
    /// Program text, indented.
    Code,
    /// Chinese prose with full-width punctuation.
    Chinese,
    /// Chinese prose with English words and numbers in it.
    Mixed,
}

impl Script {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::English, Self::Code, Self::Chinese, Self::Mixed];

    /// The name in a benchmark's title.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::Code => "code",
            Self::Chinese => "chinese",
            Self::Mixed => "mixed",
        }
    }
}

const ENGLISH: &str = "the of and to a in is it you that for on with as are this be at or from have an they which one had by word but not what all were we when your can said there use each how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who its now find long down day did get come made may part over new sound take only little work know place year live me back give most very after thing our just name good sentence man think say great where help through much before line right too mean old any same tell boy follow came want show also around form three small set put end does another well large must big even such because turn here why ask went men read need land different home us move try kind hand picture again change off play spell air away animal house point page letter mother answer found study still learn should America world summarise translate explain describe following paragraph question context instructions provide detailed response language assistant example output format JSON customer conversation analysis";
const CODE: &str = "let mut x = 0; for i in 0..n {\n return None;\n } else {\n if (a == b) def __init__(self): self.value = value\n import numpy as np\n print(result)\n public static void main(String[] args) const std::vector<int>& items.push_back(i); fn parse(input: &str) -> Result<u32, Error> {\n match token {\n Some(t) => t, _ => break, #include <stdio.h>\n // TODO\n SELECT id, name FROM users WHERE age > 18 ORDER BY name; async function fetchData(url) {\n await response.json(); while True: try: except ValueError as e: raise";
const CHINESE: &str = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严首底液官德随病苏失尔死讲配女黄推显谈罪神艺呢席含企望密批营项防举球英氧势告李台落木帮轮破亚师围注远字材排供河态封另施减树溶怎止案言士均武固叶鱼波视仅费紧爱左章早朝害续轻服试食充兵源判护司足某练差致板田降黑犯负击范继兴似余坚曲输修故城夫够送笔船占右财吃富春职觉汉画功巴跟虽杂飞检吸助升阳互初创抗考投坏策古径换未跑留钢曾端责站简述钱副尽帝射草冲承独令限阿宣环双请超微让控州良轴找否纪益依优顶础载倒房突坐粉敌略客袁冷胜绝析块剂测丝协诉念陈仍罗盐友洋错苦夜刑移频逐靠混母短皮终聚汽村云哪既距卫停烈央察烧迅境若印洲刻括激孔搞甚室待核校散侵吧甲游久菜味旧模湖货损预阻毫普稳乙妈植息扩银语挥酒守拿序纸医缺雨吗针刘啊急唱误训愿审附获茶鲜粮斤孩脱硫肥善龙演父渐血欢械掌歌沙刚攻谓盾讨晚粒乱燃矛乎杀药宁鲁贵钟煤读班伯香介迫句丰培握兰担弦蛋沉假穿执答乐谁顺烟缩征脸喜松脚困异免背星福买染井概慢怕磁倍祖皇促静补评翻肉践尼衣宽扬棉希伤操垂秋宜氢套督振架亮末宪庆编牛触映雷销诗座居抓裂胞呼娘景威绿晶厚盟衡鸡孙延危胶屋乡临陆顾掉呀灯岁措束耐剧玉赵跳哥季课凯胡额款绍卷齐伟蒸殖永宗苗川炉岩弱零杨奏沿露杆探滑镇饭浓航怀赶库夺伊灵税途灭赛归召鼓播盘裁险康唯录菌纯借糖盖横符私努堂域枪润幅哈竟熟虫泽脑壤碳欧遍侧寨敢彻虑斜薄庭纳弹饲伸折麦湿暗荷瓦塞床筑恶户访塔奇透梁刀旋迹卡氯遇份毒泥退洗摆灰彩卖耗夏择忙铜献硬予繁圈雪函亦抽篇阵阴丁尺追堆雄迎泛爸楼避谋吨野猪旗累偏典馆索秦脂潮爷豆忽托惊塑遗愈朱替纤粗倾尚痛楚谢奋购磨君池旁碎骨监捕弟暴割贯殊释词亡壁顿宝午尘闻揭炮残冬桥妇警综招吴付浮遭徐您摇谷赞箱隔订男吹园纷唐败宋玻巨耕坦荣闭湾键凡驻锅救恩剥凝碱齿截炼麻纺禁废盛版缓净睛昌婚涉筒嘴插岸朗庄街藏姑贸腐奴啦惯乘恢珠杯";

/// `count` prompts of about `bytes` bytes each.
pub fn prompts(script: Script, bytes: usize, count: usize, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let english: Vec<&str> = ENGLISH.split(' ').collect();
    let code: Vec<&str> = CODE.split(' ').collect();
    let chinese: Vec<char> = CHINESE.chars().collect();
    let one = |_| {
        let mut text = String::with_capacity(bytes + 64);
        while text.len() < bytes {
            match script {
                Script::English => sentence(&english, &mut random, &mut text),
                Script::Code => {
                    let indent = random.below(4);
                    text.push_str(&"    ".repeat(indent));
                    for _ in 0..3 + random.below(8) {
                        text.push_str(code.get(random.below(code.len())).copied().unwrap_or(" "));
                        text.push(' ');
                    }
                    text.push('\n');
                }
                Script::Chinese | Script::Mixed => {
                    for _ in 0..6 + random.below(20) {
                        text.extend(chinese.get(random.skewed(chinese.len())));
                    }
                    if script == Script::Mixed {
                        sentence(english.get(100..).unwrap_or_default(), &mut random, &mut text);
                    }
                    text.push_str(["，", "。", "？", "：", "\n"].get(random.below(5)).copied().unwrap_or("。"));
                }
            }
        }
        let end = (0..=bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text
    };
    (0..count).map(one).collect()
}

fn sentence(words: &[&str], random: &mut Random, text: &mut String) {
    for i in 0..4 + random.below(14) {
        let word = words.get(random.skewed(words.len())).copied().unwrap_or_default();
        if i == 0 {
            text.extend(word.chars().take(1).flat_map(char::to_uppercase));
            text.extend(word.chars().skip(1));
        } else {
            text.push(' ');
            text.push_str(word);
        }
    }
    text.push_str([". ", ", ", "? ", ".\n"].get(random.below(4)).copied().unwrap_or(". "));
}
